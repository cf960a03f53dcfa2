//! Starts the simulator as a program of its own and tells about it: one line of JSON, or lines for a shell.

mod arguments;
mod environment;

use std::io::Write as _;
use std::process::ExitCode;

use arguments::Arguments;
use itsm_simulator::Simulator;
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("itsm-simulator: {message}");
            return ExitCode::from(2);
        }
    };
    let simulator = match Simulator::start(arguments.options).await {
        Ok(simulator) => simulator,
        Err(error) => {
            eprintln!("itsm-simulator: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut out = std::io::stdout();
    let description = simulator.description();
    let told = if arguments.env { environment::exports(&description) } else { format!("{description}\n") };
    if out.write_all(told.as_bytes()).and_then(|()| out.flush()).is_err() {
        return ExitCode::FAILURE;
    }
    tokio::select! {
        () = simulator.stopped() => {}
        () = signal() => {}
        () = end_of_input(), if arguments.until_stdin_closes => {}
    }
    simulator.shutdown().await;
    // A blocked read of stdin would keep the runtime alive.
    std::process::exit(0)
}

/// Resolves when somebody asks the process to end.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Resolves when standard input ends: the parent process is gone or has closed it.
async fn end_of_input() {
    let mut input = tokio::io::stdin();
    let mut scrap = [0_u8; 256];
    while let Ok(1..) = input.read(&mut scrap).await {}
}
