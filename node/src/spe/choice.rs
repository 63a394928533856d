//! Which service connection point a client takes: the newest time stamp first, of the realm that it is bound to, and
//! none that is too old.

use super::report::{Fault, Report, Stage};
use passquorum_ad_sync::client_view::Point;
use passquorum_domain::time::{Span, Timestamp};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Clocks of servers and clients may differ by so much.
const AHEAD: Span = Span::hours(1);

/// A time stamp; one without an offset is taken as UTC.
fn instant(stamp: &str) -> Option<Timestamp> {
    let plain = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let at = OffsetDateTime::parse(stamp, &Rfc3339)
        .or_else(|_| {
            let text = stamp.trim_end_matches('Z').replacen('T', " ", 1);
            PrimitiveDateTime::parse(&text, &plain).map(PrimitiveDateTime::assume_utc)
        })
        .ok()?;
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp)
}

fn age(span: Span) -> String {
    match span.0 / 60_000 {
        minutes @ 0..120 => format!("{minutes} minutes"),
        minutes @ 120..2_880 => format!("{} hours", minutes / 60),
        minutes => format!("{} days", minutes / 1_440),
    }
}

fn described(point: &Point, now: Timestamp) -> String {
    let whose = match (&point.realm, &point.node) {
        (Some(realm), Some(node)) => format!("realm {realm}, node {node}"),
        (Some(realm), None) => format!("realm {realm}"),
        (None, _) => "of another product".to_owned(),
    };
    let written = match point.stamp.as_deref().map(|stamp| (stamp, instant(stamp))) {
        Some((stamp, Some(at))) => format!("written {stamp}, {} ago", age(now.since(at))),
        Some((stamp, None)) => format!("written {stamp:?}, which is no time that is understood"),
        None => "without a time stamp".to_owned(),
    };
    let version = point.version.as_deref().unwrap_or("not told");
    format!("{whose}; product version {version}; {written}; {}", point.urls.join(" "))
}

/// The points that a client takes, in its order; what is wrong with the others is in the report.
pub(super) fn choose<'p>(
    points: &'p [Point],
    affinity: Option<&str>,
    now: Timestamp,
    max_age: Span,
    report: &mut Report,
) -> Vec<&'p Point> {
    if points.is_empty() {
        report.wrong(Stage::Points, None, Fault::NoPoint, "there is no service connection point");
        return Vec::new();
    }
    let is_bound = |point: &Point| {
        affinity.is_none_or(|realm| point.realm.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(realm)))
    };
    let mut fit = Vec::new();
    for point in points {
        let (dn, saw) = (Some(point.dn.as_str()), described(point, now));
        let at = point.stamp.as_deref().and_then(instant);
        if !is_bound(point) {
            report.good(Stage::Points, dn, format!("passed over for the realm affinity: {saw}"));
            continue;
        }
        match at {
            _ if point.urls.is_empty() => report.doubtful(
                Stage::Points,
                dn,
                Fault::PointUnreadable,
                format!("passed over, since it names no URL: {saw}"),
            ),
            None => report.doubtful(
                Stage::Points,
                dn,
                Fault::PointUnreadable,
                format!("passed over, since its age is not known: {saw}"),
            ),
            Some(at) if at.since(now) > AHEAD => {
                report.doubtful(
                    Stage::Points,
                    dn,
                    Fault::PointInFuture,
                    format!("{saw}; that is ahead of this clock"),
                );
                fit.push((at, point));
            }
            Some(at) if now.since(at) > max_age => report.doubtful(
                Stage::Points,
                dn,
                Fault::PointStale,
                format!("passed over, since it is older than {}: {saw}", age(max_age)),
            ),
            Some(at) => {
                report.good(Stage::Points, dn, saw);
                fit.push((at, point));
            }
        }
    }
    fit.sort_by(|(one, first), (other, second)| other.cmp(one).then_with(|| first.dn.cmp(&second.dn)));
    let taken: Vec<&Point> = fit.into_iter().map(|(_, point)| point).collect();
    match taken.first() {
        None if affinity.is_some() && !points.iter().any(is_bound) => {
            let realm = affinity.unwrap_or_default();
            report.wrong(Stage::Choice, None, Fault::RealmUnknown, format!("no point is of realm {realm}"));
        }
        None => report.wrong(Stage::Choice, None, Fault::AllPointsUnfit, "no point can be taken"),
        Some(first) if first.realm.is_none() && points.iter().any(|point| point.realm.is_some()) => {
            let saw =
                "it is the newest, and of another product, though this realm has points here".to_owned();
            report.wrong(Stage::Choice, Some(&first.dn), Fault::ForeignPointNewer, saw);
        }
        Some(first) => {
            let why = if taken.len() > 1 {
                "the newest is taken first"
            } else {
                "it is the only one that can be taken"
            };
            report.good(Stage::Choice, Some(&first.dn), why);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_ad_sync::client_view::Point;
    use passquorum_domain::points::FRESH_FOR;

    fn now() -> Timestamp {
        instant("2026-11-25T23:00:00Z").unwrap()
    }

    fn point(name: &str, stamp: &str, realm: Option<&str>) -> Point {
        Point {
            dn: format!("CN={name}"),
            name: name.to_owned(),
            urls: vec![format!("https://{name}/PMUser/")],
            stamp: Some(stamp.to_owned()),
            realm: realm.map(str::to_owned),
            ..Point::default()
        }
    }

    fn taken(points: &[Point], affinity: Option<&str>) -> (Vec<String>, Vec<Fault>) {
        let mut report = Report::default();
        let taken = choose(points, affinity, now(), FRESH_FOR, &mut report);
        let names = taken.iter().map(|point| point.name.clone()).collect();
        (names, report.steps.iter().filter_map(|step| step.fault).collect())
    }

    #[test]
    fn time_stamps_are_read_in_their_forms() {
        for same in [
            "2026-11-25T23:00:00Z",
            "2026-11-25T23:00:00",
            "2026-11-25 23:00:00",
            "2026-11-26T01:00:00+02:00",
        ] {
            assert_eq!(instant(same), Some(now()), "{same}");
        }
        assert_eq!(instant("yesterday"), None);
    }

    #[test]
    fn the_newest_fit_point_of_the_realm_comes_first() {
        let points = [
            point("a", "2026-11-25T20:00:00Z", Some("r")),
            point("b", "2026-11-25T22:00:00Z", Some("r")),
            point("old", "2026-11-20T22:00:00Z", Some("r")),
        ];
        assert_eq!(taken(&points, None), (vec!["b".to_owned(), "a".to_owned()], vec![Fault::PointStale]));
        let foreign = [points[0].clone(), point("f", "2026-11-25T22:30:00Z", None)];
        assert_eq!(taken(&foreign, None).1, [Fault::ForeignPointNewer]);
        assert_eq!(taken(&foreign, Some("R")), (vec!["a".to_owned()], vec![]));
        assert_eq!(taken(&foreign, Some("x")).1, [Fault::RealmUnknown]);
        assert_eq!(taken(&[], None).1, [Fault::NoPoint]);
        assert_eq!(taken(&points[2..], None).1, [Fault::PointStale, Fault::AllPointsUnfit]);
        let wild =
            [point("w", "2027-11-25T20:00:00Z", Some("r")), Point { stamp: None, ..points[0].clone() }];
        assert_eq!(
            taken(&wild, None),
            (vec!["w".to_owned()], vec![Fault::PointInFuture, Fault::PointUnreadable])
        );
    }
}
