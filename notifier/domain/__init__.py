"""The core: frozen values, closed enums, pure decisions. Standard library only, no input or output."""
