"""Import photos and videos into the library, with states that cannot lie."""
