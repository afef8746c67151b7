//! `--plain`: the view as lines.

use super::screen::{stop_here, watch_signals};
use super::{Args, Happened, Run};
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::target::without_password;
use crate::daemon::Polling;
use crate::present::tui::Plain;

/// Tells lines until it is ended, its reader has gone, or it has looked often enough.
pub(super) fn show(
    mut run: Run,
    args: &Args,
    context: &mut Context,
) -> (Option<Polling>, Result<(), Failure>) {
    let ended = watch_signals(run.sender.clone()).and_then(|()| tell(&mut run, args, context));
    (run.polling, ended)
}

fn tell(run: &mut Run, args: &Args, context: &mut Context) -> Result<(), Failure> {
    let most = if args.top == 0 { usize::MAX } else { args.top };
    let mut plain = Plain::default();
    let (mut looks, mut heard) = (0, false);
    while let Ok(happened) = run.happened.recv() {
        match happened {
            Happened::Asked(asked) => {
                run.take(*asked);
                if run.is_early() {
                    continue;
                }
                let lines = plain.lines(&run.live, most);
                if !lines.is_empty() {
                    context.output.data(&lines)?;
                }
                looks += 1;
                heard |= run.hears();
                if args.looks.is_some_and(|most| looks >= most) {
                    return if heard { Ok(()) } else { Err(nothing(args)) };
                }
            }
            Happened::Stop => break,
            Happened::Suspend => stop_here(),
            Happened::Broken(why) => return Err(Failure::bug(why)),
            Happened::Typed(_) => {}
        }
    }
    Ok(())
}

/// It has looked as often as was asked for, and there was nothing to see.
fn nothing(args: &Args) -> Failure {
    match args.targets.as_slice() {
        [] => Failure::plain("no instance answered in this window".to_owned())
            .hint("`goroscope query instances` says how each poll ended"),
        [target] => {
            Failure::plain(format!("{} did not answer", without_password(target))).hint(format!(
                "`goroscope snapshot {}` says more",
                without_password(target)
            ))
        }
        _ => Failure::plain("no target answered".to_owned())
            .hint("`goroscope snapshot TARGET` says more of one"),
    }
}
