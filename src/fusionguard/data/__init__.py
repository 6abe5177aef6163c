"""Where rows come from: sources, ingestion, provenance and contracts."""
