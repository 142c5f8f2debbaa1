//! The MQTT broker: embedded in this process, or somebody else's by configuration.
