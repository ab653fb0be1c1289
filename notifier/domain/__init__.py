"""The core: frozen values, closed enums, pure decisions. Standard library only, no I/O."""
