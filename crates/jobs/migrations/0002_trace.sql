-- The trace of the request that enqueued it, as the header traceparent spells it.
ALTER TABLE job ADD COLUMN trace TEXT;
