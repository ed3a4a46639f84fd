"""Pure builders of instructions, one module per program."""
