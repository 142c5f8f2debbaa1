# In the guest: a camera of vivid and one of v4l2loopback; the daemon's tests of its source, one after the other.
say() { echo "LAB $*"; }
step() { name=$1; shift; if "$@" >/tmp/out 2>&1; then say "$name ok"; else say "$name FAILED"; tail -n 30 /tmp/out; fi; }
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0 || say "vivid FAILED no such module"
modprobe v4l2loopback devices=1 video_nr=9 exclusive_caps=1 card_label=loop || say "v4l2loopback FAILED no such module"
step probe /mnt/lab/ostiaryd probe-camera
for test in every_format_is_seen_as_it_is mjpg_is_seen_as_it_is_and_a_stalled_camera_survived faults_of_a_camera_are_survived; do
    step "$test" /mnt/lab/tests --nocapture --test-threads=1 "$test"
    grep -E "^recovered|^format |^test .* \.\.\. (recovered|format)" /tmp/out | sed 's/^test .* \.\.\. //' | sort -u | while read -r line; do say "  $line"; done
    # Here everything is there: what is skipped has gone wrong.
    ! grep SKIPPED /tmp/out >/tmp/skipped || say "$test FAILED $(tail -n 1 /tmp/skipped)"
    grep -q "1 passed" /tmp/out || say "$test FAILED no such test"
done
