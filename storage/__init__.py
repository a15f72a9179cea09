"""PostgreSQL: the embedded server, connections and forward-only migrations."""
