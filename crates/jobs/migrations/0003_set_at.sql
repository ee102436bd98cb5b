-- When run_at was chosen, by the clock of then: what a clock said that has gone back since is moved with it.
ALTER TABLE job ADD COLUMN set_at BIGINT;
