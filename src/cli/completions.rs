//! `goroscope completions`: what a shell needs to complete commands and options.

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::generate;
use clap_complete::shells;

use super::failure::Failure;
use super::{Cli, Context};

/// Prints the completions of a shell, to be put where that shell looks for them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where each shell looks for them:
  bash  ~/.local/share/bash-completion/completions/goroscope  (with the package bash-completion;
        else `source` the file in ~/.bashrc)
  zsh   a file _goroscope in a folder of $fpath, such as ~/.zfunc with `fpath+=~/.zfunc` before
        `autoload -Uz compinit && compinit` in ~/.zshrc
  fish  ~/.config/fish/completions/goroscope.fish

Examples:
  goroscope completions bash > ~/.local/share/bash-completion/completions/goroscope
  goroscope completions zsh > ~/.zfunc/_goroscope
  goroscope completions fish > ~/.config/fish/completions/goroscope.fish")]
pub(super) struct Args {
    /// `bash`, `zsh` or `fish`.
    #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Serves the command.
pub(super) fn completions(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (mut cli, mut script) = (Cli::command(), Vec::new());
    match args.shell {
        Shell::Bash => generate(shells::Bash, &mut cli, "goroscope", &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut cli, "goroscope", &mut script),
        Shell::Fish => generate(shells::Fish, &mut cli, "goroscope", &mut script),
    }
    context.output.data(&String::from_utf8_lossy(&script))
}
