import java.util.ArrayList;
import java.util.List;

/** A heap grows to as many blocks of 10 kB as asked for, shrinks to a tenth and grows again. */
public class Heap {
    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        for (int day = 0; day < 3; day++) {
            List<byte[]> rows = new ArrayList<>();
            for (int n = 0; n < count; n++) rows.add(new byte[10000]);
            rows.subList(count / 10, rows.size()).clear();
            System.gc();
            Thread.sleep(200);
        }
    }
}
