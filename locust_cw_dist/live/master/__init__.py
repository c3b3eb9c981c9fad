"""Who receives results: a master from its workers, a single process from itself."""
