"""What a page shows: templates, styles, scripts."""
