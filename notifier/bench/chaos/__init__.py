"""`make chaos`: kill, pause and starve every part while messages flow, and count what was lost. See docs/chaos.md."""
