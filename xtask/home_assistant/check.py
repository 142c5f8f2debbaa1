"""Holds what a device tells Home Assistant against the schemas of Home Assistant's own MQTT integration, and renders every
template with what the device publishes. Arguments: the description (a JSON file), the names of figures (JSON)."""
import importlib
import json
import sys

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES, DEVICE_CLASS_UNITS
from homeassistant.helpers.template import TemplateEnvironment

STATUS = [{"state": state, "session": 7, "since": 0, "version": "1"} for state in ("online", "stopped", "lost")]
SEEN = {"outcome": "match", "door_name": "Front", "at": "2026-01-01T00:00:00Z", "name": 'A "quoted" name', "person": "x"}


def rendered(template, value):
    """What Home Assistant makes of a message."""
    return TemplateEnvironment(None).from_string(template).render(value_json=value, value=json.dumps(value))


def figure(entity, health):
    """A sensor of one figure: its class, unit and kind of state go together, and it has a value when there is one."""
    kind, unit, state = (entity.get(key) for key in ("device_class", "unit_of_measurement", "state_class"))
    if entity["platform"] == "binary_sensor":
        assert kind is None or BinarySensorDeviceClass(kind)
        assert rendered(entity["value_template"], {}) == "OFF"
        assert rendered(entity["value_template"], health) == "ON"
        return
    if kind is not None:
        assert unit in DEVICE_CLASS_UNITS[SensorDeviceClass(kind)], (kind, unit)
        if state is not None:
            assert SensorStateClass(state) in DEVICE_CLASS_STATE_CLASSES[SensorDeviceClass(kind)], (kind, state)
    assert float(rendered(entity["value_template"], health)) == 1.0
    assert rendered(entity["value_template"], {}) == "None"


def visit(entity):
    """Of what was seen an event is made, of a type that was announced."""
    event = json.loads(rendered(entity["value_template"], SEEN))
    assert event["event_type"] in entity["event_types"] and event["name"] == SEEN["name"], event


def main():
    """Checks every entity of the description."""
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = json.load(file)
    health = {key: 1.0 for key in json.loads(sys.argv[2])}
    for name, entity in whole["components"].items():
        platform = entity["platform"]
        schema = importlib.import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA
        alone = {key: value for key, value in entity.items() if key != "platform"}
        taken = schema(alone | {"device": whole["device"], "origin": whole["origin"]})
        dropped = set(alone) - set(taken)
        assert not dropped, f"{name}: Home Assistant knows no {dropped}"
        available = [rendered(a["value_template"], status) for a in entity.get("availability", []) for status in STATUS]
        assert available in ([], ["online", "offline", "offline"]), available
        if platform == "event":
            visit(entity)
        elif name == "connected":
            assert [rendered(entity["value_template"], status) for status in STATUS] == ["ON", "OFF", "OFF"]
        else:
            figure(entity, health)
    print(f"{len(whole['components'])} entities fit Home Assistant's schemas")


main()
