-- Ids below 1000 are kept for the demo world, whose ids are fixed.
INSERT INTO sqlite_sequence (name, seq) VALUES ('users', 999), ('shades', 999), ('avatars', 999), ('authorizations', 999);
