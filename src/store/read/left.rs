//! What retention has left of snapshots that are gone, to be told as it is: days and hours.

use rusqlite::params;

use super::instance::unsigned;
use super::known::life;
use super::{Lives, Reader, StoreError};
use crate::model::{Known, Signature, Slot, Timestamp};
use crate::store::part::{DAY_MS, HOUR_MS};

impl Reader {
    /// From when on days are told; `None` where none are.
    pub fn days_kept_since(&self) -> Result<Option<Timestamp>, StoreError> {
        let oldest: Option<i64> = self
            .connection
            .query_row("SELECT min(day) FROM rollup_life", [], |row| row.get(0))
            .map_err(|source| self.failed(source))?;
        let day = oldest.max(self.days_since()?);
        Ok(day.map(|day| Timestamp::from_millis(day * DAY_MS)))
    }

    /// Every day that began before `kept`, and every hour that ended before, in order of time.
    pub fn each_day(
        &self,
        lives: &Lives,
        kept: Timestamp,
        mut on: impl FnMut(Known),
    ) -> Result<(), StoreError> {
        self.days_before(lives, kept, &mut on)
            .and_then(|()| self.hours_before(kept, &mut on))
            .map_err(|source| self.failed(source))
    }

    fn days_before(
        &self,
        lives: &Lives,
        kept: Timestamp,
        on: &mut dyn FnMut(Known),
    ) -> rusqlite::Result<()> {
        let mut days = self.connection.prepare_cached(
            "SELECT incarnation_id, day, rollup_life.first_at, last_at, pulses, goroutines
             FROM rollup_life
             JOIN incarnation ON incarnation.id = incarnation_id
             JOIN instance ON instance.id = instance_id
             JOIN service ON service.id = service_id
             WHERE day * ?2 < ?1 ORDER BY day, service.name, address, path, scheme, since",
        )?;
        let mut counts = self.connection.prepare_cached(
            "SELECT hash, first, low, high, last FROM rollup_day
             JOIN signature ON signature.id = signature_id
             WHERE incarnation_id = ?1 AND day = ?2 ORDER BY hash",
        )?;
        let mut rows = days.query([kept.as_millis(), DAY_MS])?;
        while let Some(row) = rows.next()? {
            let (incarnation, day): (i64, i64) = (row.get(0)?, row.get(1)?);
            let Some(life) = life(lives, row)? else {
                continue;
            };
            let counts = counts.query_map([incarnation, day], |row| {
                let count = |column| row.get(column).map(unsigned);
                Ok((
                    Signature::from_bytes(row.get(0)?),
                    [count(1)?, count(2)?, count(3)?, count(4)?],
                ))
            })?;
            on(Known::Day {
                life,
                day,
                slot: Slot {
                    first_at: Timestamp::from_millis(row.get(2)?),
                    last_at: Timestamp::from_millis(row.get(3)?),
                    pulses: row.get(4)?,
                    goroutines: unsigned(row.get(5)?),
                },
                counts: counts.collect::<rusqlite::Result<_>>()?,
            });
        }
        Ok(())
    }

    fn hours_before(&self, kept: Timestamp, on: &mut dyn FnMut(Known)) -> rusqlite::Result<()> {
        let mut hours = self.connection.prepare_cached(
            "SELECT DISTINCT hour, service_id, service.name FROM rollup_hour
             JOIN service ON service.id = service_id
             WHERE (hour + 1) * ?2 <= ?1 ORDER BY hour, service.name",
        )?;
        let mut counts = self.connection.prepare_cached(
            "SELECT hash, instances, low, last FROM rollup_hour
             JOIN signature ON signature.id = signature_id
             WHERE service_id = ?1 AND hour = ?2 ORDER BY hash",
        )?;
        let mut rows = hours.query([kept.as_millis(), HOUR_MS])?;
        while let Some(row) = rows.next()? {
            let (hour, service): (i64, i64) = (row.get(0)?, row.get(1)?);
            let counts = counts.query_map(params![service, hour], |row| {
                let count = |column| row.get(column).map(unsigned);
                Ok((
                    Signature::from_bytes(row.get(0)?),
                    [count(1)?, count(2)?, count(3)?],
                ))
            })?;
            on(Known::Hour {
                service: row.get::<_, String>(2)?.into(),
                hour,
                counts: counts.collect::<rusqlite::Result<_>>()?,
            });
        }
        Ok(())
    }
}
