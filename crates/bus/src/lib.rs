//! Fan-out that may be lost: what every node should hear soon, but nothing depends on hearing.
