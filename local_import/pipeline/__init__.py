"""The flow of an import: scan, then claim - analyse - check - place - settle, batch by batch.

Knows paths and rows, no screens. No transaction is open while a file is touched.
"""
