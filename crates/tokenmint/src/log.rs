//! The log of the servers (`serve`, `aws`), which a thread writes a hundred times a second.
//!
//! Otherwise each request makes a system call for its line, and a token takes a twentieth more CPU time
//! (docs/performance.md).

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a line waits for others.
const INTERVAL: Duration = Duration::from_millis(10);

/// The maximum size of the lines that wait, in bytes. Whoever exceeds it writes them, and so waits for a slow reader of the
/// output.
const LIMIT: usize = 256 * 1024;

/// Collects lines for an output. Its clones share both.
#[derive(Debug)]
pub(crate) struct Log<W>(Arc<Shared<W>>);

#[derive(Debug)]
struct Shared<W> {
    /// Locked before the lines, so that what is taken first is written first.
    output: Mutex<Output<W>>,
    lines: Mutex<Vec<u8>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct Output<W> {
    writer: W,
    /// Empty between two writes. It is exchanged with the lines, so that neither is allocated anew.
    taken: Vec<u8>,
}

/// Writes what is left when it is dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Rest<W: Write>(Log<W>);

impl<W: Write> Drop for Rest<W> {
    fn drop(&mut self) {
        // A failure cannot be reported: this is where it would be.
        let _ = self.0.write_lines();
    }
}

impl<W: Write + Send + 'static> Log<W> {
    /// Starts the thread, which ends with the process.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn start(writer: W) -> io::Result<(Self, Rest<W>)> {
        let log = Self::new(writer);
        let (own, rest) = (log.clone(), Rest(log.clone()));
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                own.wait();
                thread::sleep(INTERVAL);
                let _ = own.write_lines();
            }
        })?;
        Ok((log, rest))
    }
}

impl<W: Write> Log<W> {
    fn new(writer: W) -> Self {
        let output = Mutex::new(Output { writer, taken: Vec::new() });
        Self(Arc::new(Shared { output, lines: Mutex::default(), arrived: Condvar::new() }))
    }

    /// Waits until there is a line.
    fn wait(&self) {
        let lines = locked(&self.0.lines);
        drop(self.0.arrived.wait_while(lines, |lines| lines.is_empty()).unwrap_or_else(PoisonError::into_inner));
    }

    fn write_lines(&self) -> io::Result<()> {
        let mut output = locked(&self.0.output);
        let Output { writer, taken } = &mut *output;
        std::mem::swap(&mut *locked(&self.0.lines), taken);
        let written = writer.write_all(taken).and_then(|()| writer.flush());
        taken.clear();
        written
    }
}

/// A lock whose content is whole even if a thread that held it panicked.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W> Clone for Log<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write> Write for Log<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = locked(&self.0.lines);
        if lines.is_empty() {
            self.0.arrived.notify_one();
        }
        lines.extend_from_slice(line);
        let is_full = lines.len() > LIMIT;
        drop(lines);
        if is_full {
            self.write_lines()?;
        }
        Ok(line.len())
    }

    /// Does nothing: the lines are written after [`INTERVAL`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Sends what is written.
    struct Sent(mpsc::Sender<Vec<u8>>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// O3: no line is lost or divided, and those of a thread stay in their order.
    #[test]
    fn o3_lines_of_several_threads() {
        let (sender, receiver) = mpsc::channel();
        let (log, rest) = Log::start(Sent(sender)).expect("a thread");
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let mut log = log.clone();
                thread::spawn(move || {
                    for number in 0..20_000 {
                        log.write_all(format!("{writer} {number}\n").as_bytes()).expect("written");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("no panic");
        }
        drop(rest);
        let written = String::from_utf8(receiver.try_iter().collect::<Vec<_>>().concat()).expect("text");
        for writer in 0..4 {
            let own: Vec<_> = written.lines().filter_map(|line| line.strip_prefix(&format!("{writer} "))).collect();
            let expected: Vec<_> = (0..20_000).map(|number: u32| number.to_string()).collect();
            assert!(own == expected, "{} lines of thread {writer}", own.len());
        }
    }

    /// O3: a line is written without another one.
    #[test]
    fn o3_a_line_does_not_wait_for_more() {
        let (sender, receiver) = mpsc::channel();
        let (mut log, _rest) = Log::start(Sent(sender)).expect("a thread");
        for line in ["a\n", "b\n"] {
            log.write_all(line.as_bytes()).expect("written");
            assert_eq!(receiver.recv().expect("a line"), line.as_bytes());
        }
    }

    /// O3: the lines that wait are limited.
    #[test]
    fn o3_the_lines_that_wait_are_limited() {
        let (sender, receiver) = mpsc::channel();
        let mut log = Log::new(Sent(sender));
        log.write_all(&vec![b'x'; LIMIT]).expect("kept");
        assert!(receiver.try_recv().is_err());
        log.write_all(b"\n").expect("written");
        assert_eq!(receiver.try_recv().expect("all").len(), LIMIT + 1);
    }
}
