//! `goroscope completions`: what a shell needs to complete commands and options.

use clap::{Arg, Command, CommandFactory as _, ValueEnum, ValueHint};
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
    let (mut cli, mut script) = (hinted(Cli::command()), Vec::new());
    match args.shell {
        Shell::Bash => generate(shells::Bash, &mut cli, "goroscope", &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut cli, "goroscope", &mut script),
        Shell::Fish => generate(shells::Fish, &mut cli, "goroscope", &mut script),
    }
    context.output.data(&String::from_utf8_lossy(&script))
}

/// The command with what shells cannot know: which values are files. Else bash offers files for all.
fn hinted(command: Command) -> Command {
    let hint = |argument: Arg| {
        let names = argument.get_value_names().unwrap_or_default();
        let is_file = |name: &str| ["FILE", "PATH", "FOLDER", "TARGET"].contains(&name);
        let is_free = argument.get_action().takes_values()
            && argument.get_possible_values().is_empty()
            && !names.iter().any(|name| is_file(name));
        if is_free {
            argument.value_hint(ValueHint::Other)
        } else {
            argument
        }
    };
    command.mut_args(hint).mut_subcommands(hinted)
}
