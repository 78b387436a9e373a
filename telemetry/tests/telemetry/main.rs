//! Telemetry from the outside: events and counters go in, `/metrics` and spans come
//! out.
//!
//! - `fixture`: machines and events to feed it with;
//! - `exposition`: a strict parser of both text formats;
//! - `receiver`: an OTLP receiver, well-behaved or not;
//! - `catalog`, `alive`, `render`, `conservation`, `machines`, `spans`, `endpoint`, `delivery`: the tests.

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
mod machines;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod render;
#[cfg(test)]
mod spans;
