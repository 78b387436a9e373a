//! Black-box tests of telemetry: events and counters in, `/metrics` and spans out.
//!
//! - `fixture`: machines and events as input;
//! - `exposition`: a strict parser of both text formats;
//! - `receiver`: an OTLP receiver, conforming or faulty;
//! - `catalog`, `alive`, `render`, `conservation`, `machines`, `spans`, `logs`, `push`, `status`, `endpoint`, `delivery`,
//!   `signals`, `tls`: the tests.

#[cfg(test)]
mod alive;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod conservation;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod exposition;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod push;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod render;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod spans;
#[cfg(test)]
mod status;
#[cfg(test)]
mod tls;
