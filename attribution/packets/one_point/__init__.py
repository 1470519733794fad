"""Loss before and beyond a single capture point; see `segments`."""
