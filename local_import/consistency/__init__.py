"""Does what the database says agree with itself and with the disk? Rules, a look, findings, repair.

A look changes nothing. A finding is confirmed by a second look under lock before anybody is told. A
repair verifies again before it acts, deletes nothing, and may be interrupted anywhere.
"""
