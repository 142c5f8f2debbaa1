//! The server's side of every conversation with devices over MQTT.
