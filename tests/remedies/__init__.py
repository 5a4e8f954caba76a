"""The closed loop: a real fault, an import, the first recommended action, and the right end."""
