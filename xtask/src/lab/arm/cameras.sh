#!/bin/sh
# Process 1 of the board's machine: vivid's camera, the daemon's tests of its source, the kernels' tests with NEON.
export PATH=/bin HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
say() { echo "LAB $*"; }
while read -r module; do
    case $module in vivid.*) insmod "/modules/$module" n_devs=1 node_types=0x1 num_inputs=1 input_types=0 ;; *) insmod "/modules/$module" ;; esac
done </modules/order || say "vivid FAILED"
say "machine ok $(uname -m), $(uname -r)"
step() {
    name=$1; shift
    if "$@" >/tmp/out 2>&1 && grep -q "test result: ok. [1-9]" /tmp/out; then say "$name ok $(grep "test result" /tmp/out | sed 's/test result: ok. //; s/;.*//')"
    else say "$name FAILED"; tail -n 30 /tmp/out; fi
    if grep SKIPPED /tmp/out >/tmp/skipped; then say "$name FAILED $(tail -n 1 /tmp/skipped)"; fi
    sed 's/^test .* \.\.\. //' /tmp/out | grep -E "^recovered|^format " | sort -u | while read -r line; do say "  $line"; done
}
step formats /tests/ostiary_daemon --nocapture --test-threads=1 every_format_is_seen_as_it_is
step faults /tests/ostiary_daemon --nocapture --test-threads=1 faults_of_a_camera_are_survived
step conversions /tests/ostiary_daemon convert
step kernels /tests/ostiary_kernels
echo LAB-END
sleep 2
poweroff -f
