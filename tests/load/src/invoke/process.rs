//! The process of a function, and what Linux counts of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokenmint_runtime_api::VARIABLES;

/// The clock tick of `/proc/PID/stat` (`USER_HZ`) in milliseconds, which is the same on both architectures of Lambda.
const TICK_MS: u64 = 10;

/// A running function.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts the command with Lambda's environment. What it writes goes to `log`.
    ///
    /// # Errors
    /// Any error of starting it.
    pub(crate) fn start(command: &[OsString], api: SocketAddr, log: &Path) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command"));
        };
        let output = File::create(log)?;
        let child = Command::new(program)
            .args(arguments)
            .envs(VARIABLES)
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            // A group of its own, so that a tool around the function ends together with it.
            .process_group(0)
            .spawn()?;
        Ok(Self { child })
    }

    /// The CPU time that all threads have used, user and system.
    ///
    /// The scheduler counts nanoseconds, but only for the threads that live; `stat` also counts those that ended, in
    /// ticks. If they differ by more than a tick for each of user and system time, `stat` is used.
    ///
    /// # Errors
    /// Any error of reading it.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut living = Duration::ZERO;
        for task in fs::read_dir(self.proc("task"))? {
            // A thread may end meanwhile.
            let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            living += Duration::from_nanos(number(schedstat.split(' ').next())?);
        }
        let stat = fs::read_to_string(self.proc("stat"))?;
        // The name of the command, in parentheses, may contain anything.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace()).ok_or_else(unreadable)?;
        let mut times = fields.skip(11);
        let ticks = number(times.next())? + number(times.next())?;
        let all = Duration::from_millis(ticks.saturating_mul(TICK_MS));
        Ok(if all > living + Duration::from_millis(2 * TICK_MS) { all } else { living })
    }

    /// The most memory that was resident at a time, in KiB.
    ///
    /// # Errors
    /// Any error of reading it.
    pub(crate) fn peak_kib(&self) -> io::Result<u64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        number(line.and_then(|line| line.split_whitespace().next()))
    }

    /// How the process ended, if it has.
    ///
    /// # Errors
    /// Any error of asking.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends the process as Ctrl-C does, so that a tool around it writes what it counted.
    ///
    /// # Errors
    /// Any error of sending the signal, or if the process does not end within a minute.
    pub(crate) fn interrupt(&mut self) -> io::Result<()> {
        Command::new("kill").args(["-s", "INT", "--", &format!("-{}", self.child.id())]).status()?;
        let limit = Instant::now() + Duration::from_mins(1);
        while self.ended()?.is_none() {
            if Instant::now() > limit {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the function does not end"));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(text: Option<&str>) -> io::Result<u64> {
    text.and_then(|text| text.trim().parse().ok()).ok_or_else(unreadable)
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a file of /proc is not as expected")
}
