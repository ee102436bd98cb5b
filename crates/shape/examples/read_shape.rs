//! Prints the shape of every line of the standard input (`\n` stands for a new line in a control).
use std::io::{BufRead, Write, stdin, stdout};

fn main() -> std::io::Result<()> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let text = line?.replace("\\n", "\n");
        let shape = secondme_shape::shape(&text);
        writeln!(
            out,
            "{text}\n  {}\n  understood {}, fallback {:?}, notes {:?}\n",
            shape.schema, shape.understood, shape.fallback, shape.notes
        )?;
    }
    Ok(())
}
