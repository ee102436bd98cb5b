-- Ids below 1000 are kept for the demo world, whose ids are fixed.
INSERT INTO sqlite_sequence (name, seq) VALUES ('notes', 999), ('key_memories', 999), ('memory_events', 999);
