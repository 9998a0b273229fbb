//! The real server on port 0, spoken to by real clients: other people's WebSocket, ffprobe, openh264's decoder.

mod access;
mod bad_input;
mod camera;
mod config;
mod damaged;
mod demo;
mod device;
mod doctor;
mod events;
mod fan_out;
mod faults;
mod ffmpeg;
mod harness;
mod history;
mod http;
mod lifecycle;
mod mended;
mod news;
mod openapi;
mod playback;
mod price;
mod program;
mod refused;
mod titles;
mod tls;
mod viewer;
