# In the guest: vivid, one camera; the daemon's tests of its source, one after the other.
say() { echo "LAB $*"; }
step() { name=$1; shift; if "$@" >/tmp/out 2>&1; then say "$name ok $(tail -n 1 /tmp/out)"; else say "$name FAILED"; tail -n 30 /tmp/out; fi; }
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0 || say "vivid FAILED no such module"
step probe /mnt/lab/ostiaryd probe-camera
for test in every_format_is_seen_as_it_is faults_of_a_camera_are_survived; do
    step "$test" /mnt/lab/tests --nocapture --test-threads=1 "$test"
    grep -E "SKIPPED|recovered|format " /tmp/out | while read -r line; do say "  $line"; done
done
