//! What can go wrong.

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// Every kind; each comes at least once in every story.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

faults! {
    /// A message does not arrive.
    Drop = "message_dropped",
    /// A message arrives twice, the second time perhaps much later.
    Double = "message_doubled",
    /// A message overtakes others.
    Reorder = "message_reordered",
    /// The broker confirms a batch of events and loses it.
    Swallow = "puback_without_delivery",
    /// A person's templates are damaged on the way.
    Damage = "chunk_damaged",
    /// A device's connection breaks; its will is said some time.
    Cut = "connection_cut",
    /// The server's connection breaks.
    Unlink = "link_cut",
    /// The broker restarts and has forgotten everything.
    Broker = "broker_restart",
    /// The broker drops what waits for one side.
    Forget = "broker_queue_dropped",
    /// The daemon dies.
    Crash = "device_crash",
    /// The daemon dies between two of the things it was doing.
    CrashHalfWay = "device_crash_half_way",
    /// The power goes at some write to come.
    PowerCut = "power_cut_at_write",
    /// The disk takes no writes for a while.
    DiskFull = "disk_full",
    /// The board's clock jumps.
    DeviceClock = "device_clock_jump",
    /// The server's clock jumps.
    ServerClock = "server_clock_jump",
    /// The card is replaced by an older image of it.
    Restore = "image_restored",
    /// The server dies.
    ServerCrash = "server_crash",
    /// The server dies after a commit, before all that follows from it is said.
    ServerCrashHalfWay = "server_crash_after_commit",
    /// A transaction of the store fails half-way.
    StoreError = "store_error",
}
