//! Services that leak.

use super::classes::Draw;
use super::course::{Course, When};
use super::fleet::{Recipe, Restarts};
use super::part::Part;

/// At any time, and nothing else has the signature.
pub(crate) fn steady(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    Recipe::new(Restarts::Usual, move |_, _| {
        vec![Course::leak(per_hour, When::Always).into()]
    })
}

/// Several at once.
pub(crate) fn bursty(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let size = draw.about(3.0, 30.0).min(per_hour.max(2.0));
    Recipe::new(Restarts::Usual, move |_, _| {
        vec![Course::leak(per_hour, When::Bursts(size)).into()]
    })
}

/// Processes live for a part of the window.
pub(crate) fn with_restarts(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let every = draw.hours * (0.25 + 0.5 * draw.rng.f64());
    Recipe::new(Restarts::Crashes(every), move |_, _| {
        vec![Course::leak(per_hour, When::Always).into()]
    })
}

/// Among requests under way.
pub(crate) fn in_diurnal_traffic(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let load = draw.load(0.3, 0.8);
    let mean = draw.about(5.0, 200.0);
    Recipe::new(Restarts::Usual, move |place, _| {
        let live = Part::requests(load, mean * place.weight);
        vec![live, Course::leak(per_hour, When::Always).into()]
    })
}

/// The same stack as connections that live for hours.
pub(crate) fn among_connections(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let load = draw.load(0.0, 0.3);
    let (mean, hours) = (draw.about(10.0, 200.0), draw.about(0.1, 2.0));
    Recipe::new(Restarts::Usual, move |place, _| {
        let live = Course::open(load, mean * place.weight, hours).into();
        vec![live, Course::leak(per_hour, When::Always).into()]
    })
}

/// Nothing for long, and then a leak without a deploy.
pub(crate) fn began_late(draw: &mut Draw<'_>) -> Recipe {
    let (per_hour, from) = (draw.per_hour, draw.hours * (0.3 + 0.4 * draw.rng.f64()));
    let idle = f64::from(draw.rng.u32(0..20));
    Recipe::new(Restarts::Usual, move |_, _| {
        let when = When::Always;
        vec![
            Part::Fixed(idle),
            Course::Leak {
                per_hour,
                when,
                from,
            }
            .into(),
        ]
    })
}

/// Among the busy workers of a pool.
pub(crate) fn in_busy_pool(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let load = draw.load(0.0, 0.2);
    let most = draw.about(4.0, 128.0).round();
    let mean = most * (0.2 + 0.5 * draw.rng.f64());
    Recipe::new(Restarts::Usual, move |place, _| {
        let live = Part::InFlight {
            load,
            mean: mean * place.weight,
            most,
        };
        vec![live, Course::leak(per_hour, When::Always).into()]
    })
}

/// Each so-manieth request: hardly any at night.
pub(crate) fn as_requests_come(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let load = draw.load(0.5, 0.9);
    let mean = draw.about(2.0, 100.0);
    Recipe::new(Restarts::Usual, move |place, _| {
        let live = Part::requests(load, mean * place.weight);
        vec![live, Course::leak(per_hour, When::Load(load)).into()]
    })
}

/// Only where the one bad tenant is; the others have live work.
pub(crate) fn on_one_instance(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let load = draw.load(0.0, 0.4);
    let mean = draw.about(1.0, 60.0);
    let one = Recipe::new(Restarts::Usual, move |place, _| {
        let mut parts = vec![Part::requests(load, mean * place.weight)];
        if place.instance == 0 {
            parts.push(Course::leak(per_hour, When::Always).into());
        }
        parts
    });
    one.of_several()
}

/// The new build leaks, the old one did not.
pub(crate) fn since_a_deploy(draw: &mut Draw<'_>) -> Recipe {
    let (per_hour, at) = (draw.per_hour, draw.hours * (0.1 + 0.5 * draw.rng.f64()));
    let load = draw.load(0.0, 0.3);
    let mean = draw.about(1.0, 60.0);
    Recipe::new(Restarts::Deploy(at), move |place, _| {
        let mut parts = vec![Part::requests(load, mean * place.weight)];
        if place.life.build > 0 {
            parts.push(Course::leak(per_hour, When::Always).into());
        }
        parts
    })
}

/// Only while a dependency does not answer.
pub(crate) fn in_outages(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let every = draw.hours / (4.0 + 12.0 * draw.rng.f64());
    let spans = draw.spans(every, (0.1 * every, 0.4 * every));
    let down: f64 = spans
        .iter()
        .map(|(from, to)| to.min(draw.hours) - from.max(0.0))
        .map(|span| span.max(0.0))
        .sum();
    let share = (down / draw.hours).max(0.01);
    Recipe::new(Restarts::Usual, move |_, _| {
        vec![
            Course::leak(
                per_hour,
                When::Outages {
                    spans: spans.clone(),
                    share,
                },
            )
            .into(),
        ]
    })
}

/// Some at each run of a job.
pub(crate) fn a_jobs(draw: &mut Draw<'_>) -> Recipe {
    let (per_hour, every) = (draw.per_hour, draw.about(0.1, 2.0).min(draw.hours / 8.0));
    let phase = every * draw.rng.f64();
    Recipe::new(Restarts::Usual, move |_, _| {
        vec![Course::leak(per_hour, When::Jobs { every, phase }).into()]
    })
}

/// Under spikes that are far higher.
pub(crate) fn beside_batch_spikes(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let every = draw.about(0.25, 2.0).min(draw.hours / 8.0);
    let (lasts, height) = (every * draw.about(0.05, 0.5), draw.about(20.0, 500.0));
    let phase = every * draw.rng.f64();
    Recipe::new(Restarts::Usual, move |_, _| {
        vec![
            Part::Batch {
                every,
                phase,
                lasts,
                height,
            },
            Course::leak(per_hour, When::Always).into(),
        ]
    })
}

/// Ends for want of memory, and begins again.
pub(crate) fn crash_loop(draw: &mut Draw<'_>) -> Recipe {
    let per_hour = draw.per_hour;
    let every = (draw.hours / 8.0).max(0.75) * (0.7 + 0.6 * draw.rng.f64());
    let load = draw.load(0.3, 0.3);
    let mean = draw.about(1.0, 20.0);
    Recipe::new(Restarts::Crashes(every), move |_, _| {
        let live = Part::requests(load, mean);
        vec![live, Course::leak(per_hour, When::Always).into()]
    })
}
