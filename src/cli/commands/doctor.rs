//! `msgctl doctor`: looks at everything that commonly goes wrong.

use crate::{
    cli::{
        context::{Context, ask},
        exit_code::Failure,
        view,
    },
    ipc::grpc::proto::v1 as proto,
    model::ErrorCode,
};
use clap::Args;

/// Look at everything that commonly goes wrong.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    /// Fails if something does not work, so that a script can ask.
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let answer = ask!(on, daemon.run_doctor(proto::RunDoctorRequest {}));
        let doctor = view::Doctor::from(answer);
        on.output.show(&doctor)?;
        if doctor.has_errors() {
            return Err(Failure::new(
                ErrorCode::Failed,
                "something does not work. see the findings marked `error`",
            ));
        }
        Ok(())
    }
}
