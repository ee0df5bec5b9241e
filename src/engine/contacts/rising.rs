//! What the switchboard hears of: at most one thing per route waits, the one that says all.

use super::Event;
use crate::base;

/// The switchboard's end.
pub type Rising = base::Rising<Event>;

/// Says `event`, in the place of what was said of its route before.
pub(super) fn say(speaker: &base::Speaker<Event>, event: Event) {
    speaker.say(|queue| {
        let of_route = |other: &Event| other.route() == event.route();
        let before = queue.iter().position(of_route);
        let before = before.and_then(|at| queue.remove(at));
        // To start over is to dial as well.
        let stronger = before.filter(|before| {
            matches!(before, Event::RouteAdded(_)) && matches!(event, Event::KeyAdded(_))
        });
        queue.push_back(stronger.unwrap_or(event));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RouteId;

    #[tokio::test]
    async fn each_route_is_heard_of_once() {
        let (speaker, mut rising) = base::rising();
        for n in 0..200 {
            let route = RouteId([n; 16]);
            say(&speaker, Event::RouteAdded(route));
            say(&speaker, Event::KeyAdded(route));
        }
        say(&speaker, Event::RouteGone(RouteId([3; 16])));
        drop(speaker);
        let mut heard = Vec::new();
        while let Some(event) = rising.recv().await {
            heard.push(event);
        }
        assert_eq!(heard.len(), 200);
        assert!(heard.contains(&Event::RouteAdded(RouteId([7; 16]))));
        assert_eq!(heard.last(), Some(&Event::RouteGone(RouteId([3; 16]))));
    }
}
