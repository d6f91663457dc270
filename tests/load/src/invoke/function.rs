//! A function behind the stand-in.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokenmint_runtime_api::{self as runtime_api, Call, Event};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::process::Process;
use crate::{Failure, failure};

/// How often to look whether the process has ended, while waiting for its next call.
const GLANCE: Duration = Duration::from_millis(250);
/// How long to wait for a call. Under valgrind everything takes fifty times as long.
const PATIENCE: Duration = Duration::from_mins(2);

/// A function that waits for its next event.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its process.
    pub(crate) process: Process,
    /// The time from the start of the process to its first request for an event.
    pub(crate) init: Duration,
    calls: mpsc::Receiver<Call>,
    waiting: oneshot::Sender<Event>,
    events: u64,
}

impl Function {
    /// Starts the function and waits until it is ready.
    ///
    /// # Errors
    /// A description, if it does not start.
    pub(crate) async fn start(command: &[OsString], log: &Path) -> Result<Self, Failure> {
        let (address, mut calls) = runtime_api::start().await?;
        let started = Instant::now();
        let mut process = Process::start(command, address, log)?;
        let (at, waiting) = match call(&mut calls, &mut process).await? {
            Call::Next { at, event } => (at, event),
            other => return Err(failure(format_args!("instead of being ready: {other}"))),
        };
        Ok(Self { process, init: at - started, calls, waiting, events: 0 })
    }

    /// Hands it one event, and waits until it is ready for the next.
    ///
    /// # Errors
    /// A description, if it does not answer.
    pub(crate) async fn invoke(&mut self, body: Bytes) -> Result<Bytes, Failure> {
        self.events += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.events);
        let (unused, _) = oneshot::channel();
        let waiting = std::mem::replace(&mut self.waiting, unused);
        waiting.send(Event { id: id.clone(), body }).map_err(|_| failure("the function no longer waits"))?;
        let answer = match call(&mut self.calls, &mut self.process).await? {
            Call::Answer { id: answered, body } if answered == id => body,
            other => return Err(failure(format_args!("instead of an answer to {id}: {other}"))),
        };
        match call(&mut self.calls, &mut self.process).await? {
            Call::Next { event, .. } => self.waiting = event,
            other => return Err(failure(format_args!("instead of being ready again: {other}"))),
        }
        Ok(answer)
    }
}

/// The function's next call.
async fn call(calls: &mut mpsc::Receiver<Call>, process: &mut Process) -> Result<Call, Failure> {
    let limit = Instant::now() + PATIENCE;
    loop {
        match timeout(GLANCE, calls.recv()).await {
            Ok(Some(call)) => return Ok(call),
            Ok(None) => return Err(failure("the stand-in has ended")),
            Err(_) => match process.ended()? {
                Some(status) => return Err(failure(format_args!("the function ended: {status}"))),
                None if Instant::now() > limit => return Err(failure("the function does nothing")),
                None => {}
            },
        }
    }
}
