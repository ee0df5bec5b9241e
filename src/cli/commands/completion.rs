//! `msgctl completion`: scripts that let a shell complete commands and flags.

use crate::cli::{args::Cli, exit_code::Failure, output::Output};
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// Which shell
    shell: Known,
}

/// Shells that are kept working.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Known {
    /// `source <(msgctl completion bash)`
    Bash,
    /// A file `_msgctl` in a folder of `$fpath`
    Zsh,
    /// `~/.config/fish/completions/msgctl.fish`
    Fish,
}

impl Completion {
    pub(crate) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let shell = match self.shell {
            Known::Bash => Shell::Bash,
            Known::Zsh => Shell::Zsh,
            Known::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "msgctl", &mut script);
        output.raw(&String::from_utf8_lossy(&script))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::{Style, tests::Kept};

    #[test]
    fn every_shell_learns_the_commands_and_not_the_hidden_one() {
        for shell in [Known::Bash, Known::Zsh, Known::Fish] {
            let data = Kept::default();
            let mut output = Output::new(
                Box::new(data.clone()),
                Box::new(Kept::default()),
                Style::default(),
            );
            Completion { shell }.run(&mut output).unwrap();
            for word in ["safety-number", "outbox", "idempotency-key"] {
                assert!(data.text().contains(word), "{shell:?} lacks {word}");
            }
        }
    }
}
