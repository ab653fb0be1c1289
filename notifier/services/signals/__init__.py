"""What sources report: grouped into signals, proposed as drafts, or announced where their source may."""
