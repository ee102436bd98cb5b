-- Ids below 1000 are kept for the demo world, whose ids are fixed.
ALTER TABLE notes ALTER COLUMN id RESTART WITH 1000;
ALTER TABLE key_memories ALTER COLUMN id RESTART WITH 1000;
ALTER TABLE memory_events ALTER COLUMN id RESTART WITH 1000;
