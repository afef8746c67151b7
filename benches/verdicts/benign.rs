//! Services that do not leak.

use super::classes::Draw;
use super::course::Course;
use super::fleet::{Recipe, Restarts};
use super::part::Part;

/// As many workers as the configuration says.
pub(crate) fn constant(draw: &mut Draw<'_>) -> Recipe {
    let workers = draw.about(1.0, 300.0).round();
    Recipe::new(Restarts::Usual, move |_, _| vec![Part::Fixed(workers)])
}

/// Requests under way, by day more than by night.
pub(crate) fn diurnal(draw: &mut Draw<'_>) -> Recipe {
    let load = draw.load(0.4, 0.9);
    let mean = draw.about(5.0, 800.0);
    Recipe::new(Restarts::Usual, move |place, _| {
        vec![Part::requests(load, mean * place.weight)]
    })
}

/// A job that runs many at once, now and then.
pub(crate) fn batch_spikes(draw: &mut Draw<'_>) -> Recipe {
    let every = draw.about(0.25, 6.0);
    let (lasts, height) = (every * draw.about(0.02, 0.5), draw.about(10.0, 3_000.0));
    let (phase, idle) = (every * draw.rng.f64(), f64::from(draw.rng.u32(0..6)));
    Recipe::new(Restarts::Usual, move |place, _| {
        vec![
            Part::Fixed(idle),
            Part::Batch {
                every,
                phase,
                lasts,
                height: height * place.weight,
            },
        ]
    })
}

/// Comes up over hours, to a limit.
pub(crate) fn slow_warm_up(draw: &mut Draw<'_>) -> Recipe {
    let (limit, hours) = (draw.about(20.0, 500.0), draw.about(0.2, 5.0));
    Recipe::new(Restarts::Fresh, move |place, _| {
        vec![
            Course::Fill {
                limit: (limit * place.weight).round(),
                hours,
            }
            .into(),
        ]
    })
}

/// Connections that live for hours, by day more than by night.
pub(crate) fn connections(draw: &mut Draw<'_>) -> Recipe {
    let load = draw.load(0.2, 0.7);
    let (mean, hours) = (draw.about(20.0, 2_000.0), draw.about(0.3, 6.0));
    Recipe::new(Restarts::Usual, move |place, _| {
        vec![Course::open(load, mean * place.weight, hours).into()]
    })
}

/// Each build has a count of its own; a reload of the configuration changes it within a process.
pub(crate) fn deploy_steps(draw: &mut Draw<'_>) -> Recipe {
    let sizes: Vec<f64> = (0..4).map(|_| draw.about(2.0, 200.0).round()).collect();
    let (reload, factor) = (draw.hour(), draw.about(0.5, 4.0));
    let deploys = draw.rng.u32(0..4);
    Recipe::new(Restarts::Deploys(deploys), move |place, _| {
        let size = sizes.get(place.life.build as usize).copied().unwrap_or(1.0);
        vec![Part::Steps(vec![
            (f64::NEG_INFINITY, size),
            (reload, (size * factor).round()),
        ])]
    })
}

/// A queue's consumers, which follow work that comes and goes without a day.
pub(crate) fn wandering(draw: &mut Draw<'_>) -> Recipe {
    let (mean, hours) = (draw.about(10.0, 500.0), draw.about(0.3, 4.0));
    let spread = mean * (0.1 + 0.3 * draw.rng.f64());
    Recipe::new(Restarts::Usual, move |_, _| {
        vec![
            Course::Wander {
                mean,
                spread,
                hours,
            }
            .into(),
        ]
    })
}

/// Workers of a pool that are busy at the moment of a poll.
pub(crate) fn busy_pool(draw: &mut Draw<'_>) -> Recipe {
    let load = draw.load(0.0, 0.3);
    let most = draw.about(4.0, 256.0).round();
    let mean = most * (0.2 + 0.8 * draw.rng.f64());
    Recipe::new(Restarts::Usual, move |place, _| {
        vec![Part::InFlight {
            load,
            mean: mean * place.weight,
            most,
        }]
    })
}

/// A dependency is down for a while, callers pile up and go again.
pub(crate) fn retry_storms(draw: &mut Draw<'_>) -> Recipe {
    let load = draw.load(0.3, 0.3);
    let every = draw.about(2.0, 24.0);
    let spans = draw.spans(every, (0.1, 1.0));
    let (per_hour, mean) = (draw.about(100.0, 20_000.0), draw.about(1.0, 30.0));
    Recipe::new(Restarts::Usual, move |place, _| {
        let storms = Course::Storms {
            spans: spans.clone(),
            per_hour: per_hour * place.weight,
        }
        .into();
        vec![Part::requests(load, mean), storms]
    })
}

/// Instances come and go; each takes up its share of long requests when it is new.
pub(crate) fn autoscaling(draw: &mut Draw<'_>) -> Recipe {
    let load = draw.load(0.15, 0.15);
    let (mean, hours) = (draw.about(20.0, 500.0), draw.about(0.05, 0.5));
    let scaled = Recipe::new(Restarts::Scaled, move |_, _| {
        vec![Course::open(load, mean, hours).into()]
    });
    scaled.of_several()
}

/// A goroutine for each tenant that was ever met: the last ones are met late.
pub(crate) fn tenants(draw: &mut Draw<'_>) -> Recipe {
    let (often, seldom) = (draw.about(10.0, 300.0), draw.about(2.0, 60.0));
    let (soon, late) = (draw.about(0.1, 1.0), draw.about(1.5, 8.0));
    Recipe::new(Restarts::Usual, move |_, _| {
        vec![
            Course::Fill {
                limit: often.round(),
                hours: soon,
            }
            .into(),
            Course::Fill {
                limit: seldom.round(),
                hours: late,
            }
            .into(),
        ]
    })
}

/// Connections move over to some instances, slowly: the sum stands.
pub(crate) fn rebalanced(draw: &mut Draw<'_>) -> Recipe {
    let (mean, hours) = (draw.about(50.0, 1_000.0), draw.about(0.5, 4.0));
    let load = draw.load(0.05, 0.05);
    let (at, share) = (draw.hour(), 0.2 + 0.6 * draw.rng.f64());
    let moved = Recipe::new(Restarts::Usual, move |place, _| {
        let (gives, takes) = (place.instances.div_ceil(2), place.instances / 2);
        let given = mean * share;
        let change = if place.instance < gives {
            -given
        } else {
            given * f64::from(u32::try_from(gives).unwrap_or(1))
                / f64::from(u32::try_from(takes).unwrap_or(1))
        };
        vec![
            Course::Open {
                load,
                hours,
                mean,
                moved: (at, change),
            }
            .into(),
        ]
    });
    moved.of_several()
}

/// Idle connections or sessions, closed all together each few hours.
pub(crate) fn swept(draw: &mut Draw<'_>) -> Recipe {
    let (per_hour, every) = (draw.about(2.0, 300.0), draw.about(0.5, 12.0));
    let phase = every * draw.rng.f64();
    Recipe::new(Restarts::Usual, move |place, _| {
        let per_hour = per_hour * place.weight;
        // Instances do not sweep at the same minute.
        vec![
            Course::Sweep {
                per_hour,
                every,
                phase: phase + place.weight * every,
            }
            .into(),
        ]
    })
}

/// A pool that grows with the peak, and shrinks long behind it.
pub(crate) fn elastic_pool(draw: &mut Draw<'_>) -> Recipe {
    let load = draw.load(0.2, 0.7);
    let (mean, hours) = (draw.about(5.0, 300.0), draw.about(0.2, 3.0));
    Recipe::new(Restarts::Usual, move |place, _| {
        vec![
            Course::Elastic {
                load,
                mean: mean * place.weight,
                hours,
            }
            .into(),
        ]
    })
}
