"""The operator's pages: what is the state, why, and what to do. Each page is a module; see urls.py."""
