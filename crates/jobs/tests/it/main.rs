//! Durable jobs on both databases, with a clock that stands still.

#[cfg(test)]
mod clock;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod running;
#[cfg(test)]
mod world;
