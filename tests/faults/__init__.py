"""The fault laboratory: break off, fail or fill up anything, and see that the laws still hold."""
