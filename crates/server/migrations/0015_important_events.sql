-- What is read for key memories: important events that apps reported, one user's in the order in which they came.
CREATE INDEX memory_events_important ON memory_events (user_id, id) WHERE importance >= 0.7 AND app_id <> 'secondme';
