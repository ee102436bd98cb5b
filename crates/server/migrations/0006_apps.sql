-- The developer's side of OAuth: public clients, secrets that overlap, listings, webhooks, and what apps did for users.

ALTER TABLE apps ADD COLUMN client_type TEXT NOT NULL DEFAULT 'confidential';
ALTER TABLE apps ADD COLUMN previous_secret_hash BYTEA;
ALTER TABLE apps ADD COLUMN previous_secret_until BIGINT;
-- Texts and pictures of the app store, as JSON. listing_status: none, pending_review, listed, rejected.
ALTER TABLE apps ADD COLUMN listing TEXT NOT NULL DEFAULT '{}';
ALTER TABLE apps ADD COLUMN listing_status TEXT NOT NULL DEFAULT 'none';
ALTER TABLE apps ADD COLUMN listed_at BIGINT;
CREATE INDEX apps_listed ON apps (listed_at, app_id) WHERE listing_status = 'listed';

ALTER TABLE authorizations ADD COLUMN first_used_at BIGINT;
ALTER TABLE authorizations ADD COLUMN last_used_at BIGINT;

-- family: the tokens that came from one approval. replaced_at: a refresh token of a public client gave way to the next one.
ALTER TABLE tokens ADD COLUMN family TEXT;
ALTER TABLE tokens ADD COLUMN replaced_at BIGINT;
CREATE INDEX tokens_by_family ON tokens (family) WHERE family IS NOT NULL;
CREATE INDEX tokens_by_authorization ON tokens (authorization_id) WHERE authorization_id IS NOT NULL;

-- Requests of an app for a user, counted by day (days since the epoch, UTC), scope, and read or write.
CREATE TABLE app_access (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    authorization_id BIGINT NOT NULL REFERENCES authorizations (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    times BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, authorization_id, day, kind, action)
);
CREATE INDEX app_access_by_day ON app_access (day);

-- Where an app wants its events. Secrets are sealed under the server's key: they sign, so a hash would not do.
CREATE TABLE webhooks (
    app_id TEXT PRIMARY KEY REFERENCES apps (app_id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    secret BYTEA NOT NULL,
    previous_secret BYTEA,
    previous_until BIGINT,
    disabled_reason TEXT,
    updated_at BIGINT NOT NULL
);

-- The outbox: written in the transaction that causes the event. payload: the body, to the byte.
-- state: pending, delivered, failed. round_from: attempts made before it was sent again by hand.
CREATE TABLE webhook_events (
    event_id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (app_id) ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    payload TEXT NOT NULL,
    test BOOLEAN NOT NULL DEFAULT FALSE,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    round_from BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX webhook_events_pending ON webhook_events (app_id, next_at) WHERE state = 'pending';
CREATE INDEX webhook_events_by_app ON webhook_events (app_id, created_at);
CREATE INDEX webhook_events_finished ON webhook_events (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE webhook_attempts (
    event_id TEXT NOT NULL REFERENCES webhook_events (event_id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    at BIGINT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    status BIGINT,
    response TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    duration_ms BIGINT NOT NULL,
    PRIMARY KEY (event_id, attempt)
);
