"""How meters come to be known: import files, binding, credentials and status."""

from devices.provisioning.credentials import DeviceCredential
from devices.provisioning.import_file import parse_import_file
from devices.provisioning.meter_import import MeterImport, binding_is_signed, bound_by_device, generated_meter_id
from devices.provisioning.registration import find_meter, list_meters, record_bound_meter, renew_credential, show_meter
from devices.provisioning.standing import resume_meter, set_status

__all__ = [
    "DeviceCredential",
    "MeterImport",
    "binding_is_signed",
    "bound_by_device",
    "find_meter",
    "generated_meter_id",
    "list_meters",
    "parse_import_file",
    "record_bound_meter",
    "renew_credential",
    "resume_meter",
    "set_status",
    "show_meter",
]
