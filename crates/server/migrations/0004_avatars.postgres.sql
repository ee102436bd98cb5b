-- Everybody has a primary avatar since 0001; a user that was written by hand gets one now.
INSERT INTO avatars (user_id, kind, title, share_code, is_default, created_at, updated_at)
SELECT u.id, 'primary', u.name, substr(replace(gen_random_uuid()::text, '-', ''), 1, 12), TRUE, u.created_at, u.created_at FROM users u
WHERE NOT EXISTS (SELECT 1 FROM avatars a WHERE a.user_id = u.id AND a.kind = 'primary');
ALTER TABLE avatar_api_keys ALTER COLUMN id RESTART WITH 1000;
