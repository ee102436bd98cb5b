-- Everybody has a primary avatar since 0001; a user that was written by hand gets one now.
INSERT INTO avatars (user_id, kind, title, share_code, is_default, created_at, updated_at)
SELECT u.id, 'primary', u.name, lower(hex(randomblob(6))), TRUE, u.created_at, u.created_at FROM users u
WHERE NOT EXISTS (SELECT 1 FROM avatars a WHERE a.user_id = u.id AND a.kind = 'primary');
INSERT INTO sqlite_sequence (name, seq) VALUES ('avatar_api_keys', 999);
