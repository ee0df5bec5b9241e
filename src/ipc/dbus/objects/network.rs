//! `org.msgd.Msgd1.Network`: how the network looks from here.

use crate::{
    ipc::dbus::{
        error::Result,
        network,
        options::{Extras, OptionDict, Options},
        served::Private,
    },
    service::Service,
};

/// The network, to look at.
pub(in crate::ipc::dbus) struct Network(pub(in crate::ipc::dbus) Service);

impl Private for Network {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "How the network looks from here. Works while the vault is \
        locked, then without names.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Network")]
impl Network {
    /// How the network looks from here, at one moment.
    ///
    /// The network: listen (as) and told (as), addresses listened on and told to contacts;
    /// listen_scopes (as) and told_scopes (as), from where each can be reached: loopback, local,
    /// global; route (b), lan (s: on, off, metered, no-network), lan_places (u), dht (s: off,
    /// hidden, idle, running), dht_last_at (x; left out if no node ran), dht_starts (t),
    /// mailboxes_used (u), mailboxes_failing (u) and mailboxes_hosted (u; each left out while it
    /// cannot be read), dials (t), dials_begun (t), unproven (t), refused (t).
    ///
    /// Each link: contact (o) and name (s; both left out for mailboxes and undecided requests),
    /// path (s), transport (s; left out if not known), inbound (b), since (x), bytes_in (t),
    /// bytes_out (t). Traffic since the start: path, bytes in, bytes out.
    ///
    /// Option: scrub (b): leave out everything that says who or where anybody is.
    #[zbus(out_args("network", "links", "traffic", "extras"))]
    async fn get_network(
        &self,
        options: OptionDict,
    ) -> Result<(Extras, Vec<Extras>, Vec<network::TrafficRow>, Extras)> {
        let options = Options::read(options, &["scrub"])?;
        let network = self.0.get_network(options.flag("scrub")?).await?;
        let links = network.links.iter().map(network::link).collect();
        let traffic = network.traffic.iter().map(network::traffic).collect();
        Ok((network::facts(&network), links, traffic, Extras::new()))
    }
}
