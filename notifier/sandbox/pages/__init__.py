"""Pages on which a person sees what arrived. No script, no outside asset."""
